import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import edgetagger.android.ProductTagger
import java.io.File
import org.json.JSONArray

/** `ASSETS WIDTH HEIGHT CONFIG [gpu]`: the scores that the stubbed model gives for the stubbed bitmap, as JSON. */
fun main(args: Array<String>) {
    val context = object : Context() {
        override fun getAssets() = AssetManager(File(args[0]))
    }
    val bitmap = Bitmap(args[1].toInt(), args[2].toInt(), Bitmap.Config.valueOf(args[3]))
    try {
        ProductTagger(context, threads = 1, gpu = args.size > 4).use { tagger ->
            tagger.tag(bitmap) // a second photo must not find the first one's leftovers
            println(JSONArray(tagger.scores(bitmap).map { it.toDouble() }))
        }
    } catch (error: RuntimeException) {
        println(error.message)
    }
}
