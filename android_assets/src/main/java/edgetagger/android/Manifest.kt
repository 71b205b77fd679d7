package edgetagger.android

import org.json.JSONException
import org.json.JSONObject

/** One label: its facet and its path, `["Footwear", "Shoes", "Sports Shoes"]`. */
data class Tag(val facet: String, val path: List<String>) {
    /** `category/Footwear/Shoes`; a slash or percent sign inside a name is percent-encoded. */
    val id: String
        get() = (listOf(facet) + path.map { it.replace("%", "%25").replace("/", "%2F") }).joinToString("/")

    /** The display name: the last name of the path. */
    val name: String get() = path.last()

    /** The tags above, from the broadest on. */
    val ancestors: List<Tag> get() = (1 until path.size).map { Tag(facet, path.take(it)) }

    companion object {
        /** The tag of an identity. Throws IllegalArgumentException where it has no facet, no path or an empty name. */
        fun of(id: String): Tag {
            val parts = id.split("/")
            require(parts.size > 1 && parts.all { it.isNotEmpty() }) {
                "'$id' is not a tag; write facet/Name or facet/Parent/Name"
            }
            return Tag(parts[0], parts.drop(1).map { it.replace("%2F", "/").replace("%25", "%") })
        }
    }
}

/** One question that tags answer: with one path of tags where `exclusive`, else with any of them. */
data class Facet(val name: String, val exclusive: Boolean)

/**
 * What a model knows of itself: `edge_tagger.json`. Tags, thresholds and parents stand in the order of the scores.
 *
 * `parents` holds the place of each tag's parent, or -1.
 */
class Manifest(
    val imageSize: Int,
    val facets: List<Facet>,
    val tags: List<Tag>,
    val thresholds: FloatArray
) {
    val parents: IntArray

    init {
        require(imageSize in 1..4096) { "the manifest's image size is $imageSize; it must lie in 1..4096" }
        require(thresholds.size == tags.size) { "${thresholds.size} thresholds for ${tags.size} tags" }
        require(facets.map { it.name }.toSet().size == facets.size) { "two facets have the same name" }
        val known = facets.map { it.name }.toSet()
        val places = HashMap<Tag, Int>()
        parents = IntArray(tags.size)
        for ((place, tag) in tags.withIndex()) {
            require(tag.facet in known) { "tag '${tag.id}' names a facet that is not declared" }
            require(thresholds[place] in 0f..1f) { "the threshold of '${tag.id}' must lie in 0..1" }
            val parent = tag.ancestors.lastOrNull()
            parents[place] = if (parent == null) -1 else
                requireNotNull(places[parent]) { "tag '${tag.id}' has no parent '${parent.id}' before it" }
            require(places.put(tag, place) == null) { "tag '${tag.id}' stands twice" }
        }
    }

    companion object {
        private const val FORMAT = 1

        /** Reads `edge_tagger.json`. Throws IllegalArgumentException for anything else. */
        fun parse(json: String): Manifest = try {
            val root = JSONObject(json)
            val format = root.getInt("format")
            require(format == FORMAT) { "the manifest has format $format, this code reads $FORMAT; bundle it again" }
            val facets = root.getJSONArray("facets")
            val tags = root.getJSONArray("tags")
            Manifest(
                root.getJSONObject("input").getInt("size"),
                (0 until facets.length()).map { facets.getJSONObject(it) }
                    .map { Facet(it.getString("name"), it.getBoolean("exclusive")) },
                (0 until tags.length()).map { Tag.of(tags.getJSONObject(it).getString("id")) },
                FloatArray(tags.length()) { tags.getJSONObject(it).getDouble("threshold").toFloat() }
            )
        } catch (error: JSONException) {
            throw IllegalArgumentException("the manifest is broken: ${error.message}; bundle the model again", error)
        }
    }
}
