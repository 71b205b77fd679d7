import edgetagger.android.Manifest
import edgetagger.android.TagDecoder
import edgetagger.android.TagScore
import edgetagger.android.stretch
import java.io.File
import org.json.JSONArray
import org.json.JSONObject

/** `FILE`: decodes the photos of golden vectors; `FILE stretch`: stretches photos. Prints the answers as JSON. */
fun main(args: Array<String>) {
    val cases = JSONArray(File(args[0]).readText())
    val answers = JSONArray()
    for (at in 0 until cases.length()) {
        answers.put(if (args.size > 1) stretched(cases.getJSONObject(at)) else decoded(cases.getJSONObject(at)))
    }
    println(answers)
}

private fun decoded(case: JSONObject): JSONArray {
    val decoder = TagDecoder(Manifest.parse(case.getJSONObject("manifest").toString()))
    val photos = case.getJSONArray("photos")
    return JSONArray((0 until photos.length()).map { at ->
        val photo = photos.getJSONObject(at)
        val scores = if (photo.has("stored")) {
            val stored = photo.getJSONArray("stored")
            TagDecoder.dequantize(
                ByteArray(stored.length()) { stored.getInt(it).toByte() },
                photo.getDouble("scale").toFloat(),
                photo.getInt("zero_point")
            )
        } else {
            val given = photo.getJSONArray("scores")
            FloatArray(given.length()) { given.getDouble(it).toFloat() }
        }
        JSONArray(decoder.decode(scores).map { json(it) })
    })
}

private fun json(found: TagScore) = JSONObject()
    .put("tag", found.tag.id)
    .put("facet", found.tag.facet)
    .put("name", found.tag.name)
    .put("score", found.score.toDouble())
    .put("threshold", found.threshold.toDouble())
    .put("parents", JSONArray(found.tag.ancestors.map { it.id }))

private fun stretched(case: JSONObject): JSONArray {
    val width = case.getInt("width")
    val argb = case.getJSONArray("argb")
    val pixels = stretch(width, case.getInt("height"), case.getInt("size")) { y ->
        IntArray(width) { argb.getLong(y * width + it).toInt() }
    }
    return JSONArray(pixels.map { it.toInt() and 0xff })
}
