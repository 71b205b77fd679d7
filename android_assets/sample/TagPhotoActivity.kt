package edgetagger.sample // your app's package

import android.app.Activity
import android.content.Intent
import android.graphics.ImageDecoder
import android.os.Bundle
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import edgetagger.android.ProductTagger
import java.io.IOException
import java.util.concurrent.Executors

/**
 * A screen with one button: choose a photo, read its tags. Copy it into an app (minSdk 28) and name it in the app's
 * AndroidManifest.xml; it needs no permission, no layout file and no library.
 */
class TagPhotoActivity : Activity() {
    private val worker = Executors.newSingleThreadExecutor() // one thread for the tagger's whole life, off the main one
    private var tagger: ProductTagger? = null
    private lateinit var answer: TextView

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        answer = TextView(this)
        val choose = Button(this)
        choose.text = "Choose a photo"
        choose.setOnClickListener {
            startActivityForResult(Intent(Intent.ACTION_GET_CONTENT).setType("image/*"), CHOOSE)
        }
        val column = LinearLayout(this)
        column.orientation = LinearLayout.VERTICAL
        column.addView(choose)
        column.addView(answer)
        setContentView(column)
    }

    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        super.onActivityResult(requestCode, resultCode, data)
        val photo = data?.data
        if (requestCode != CHOOSE || resultCode != RESULT_OK || photo == null) return
        worker.execute {
            val text = try {
                // ImageDecoder turns the photo as its EXIF says. Hardware bitmaps hide their pixels.
                val source = ImageDecoder.createSource(contentResolver, photo)
                val bitmap = ImageDecoder.decodeBitmap(source) { decoder, _, _ ->
                    decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
                }
                val ready = tagger ?: ProductTagger(this).also { tagger = it }
                ready.tag(bitmap).joinToString("\n") { "%s: %s %.2f".format(it.tag.facet, it.tag.name, it.score) }
            } catch (error: IOException) {
                "Cannot read it: ${error.message}"
            }
            runOnUiThread { answer.text = text.ifEmpty { "No tag is sure enough" } }
        }
    }

    override fun onDestroy() {
        worker.execute { tagger?.close() }
        worker.shutdown()
        super.onDestroy()
    }

    private companion object {
        const val CHOOSE = 1
    }
}
