package edgetagger.android

/** One tag of a photo. `score` (0..1) is at least that of each tag below it; it is at or above `threshold`. */
data class TagScore(val tag: Tag, val score: Float, val threshold: Float)

/**
 * From a model's scores to one consistent answer: what `edge_tagger/taxonomy.py` does, tag for tag.
 *
 * Both are held to the same golden vectors. No Android here, so that a JVM can run it.
 */
class TagDecoder(private val manifest: Manifest) {
    private val parents = manifest.parents
    private val places = manifest.facets.map { facet ->
        manifest.tags.indices.filter { manifest.tags[it].facet == facet.name }
    }
    private val paths = places.map { inFacet -> inFacet.filter { it !in parents }.map { pathTo(it) } }

    /**
     * The tags that answer one photo, in the model's order: facet by facet, parents first.
     *
     * An exclusive facet gives the top of its best path, down to the first tag under its threshold; an any-of facet
     * gives every tag at or above its threshold whose ancestors are too.
     */
    fun decode(scores: FloatArray): List<TagScore> {
        require(scores.size == parents.size) { "${scores.size} scores for ${parents.size} tags" }
        require(scores.all { !it.isNaN() && !it.isInfinite() }) { "a score is not finite; the model is damaged" }
        val lifted = consistent(scores)
        val taken = BooleanArray(scores.size)
        for ((at, facet) in manifest.facets.withIndex()) {
            for (place in if (facet.exclusive) bestPath(paths[at], scores) else places[at]) {
                val parent = parents[place]
                taken[place] = lifted[place] >= manifest.thresholds[place] && (parent < 0 || taken[parent])
            }
        }
        return taken.indices.filter { taken[it] }
            .map { TagScore(manifest.tags[it], lifted[it], manifest.thresholds[it]) }
    }

    /** Scores in which no child stands above its parent: each tag takes the highest score of its subtree. */
    fun consistent(scores: FloatArray): FloatArray {
        val lifted = scores.copyOf()
        for (place in lifted.indices.reversed()) {
            val parent = parents[place]
            if (parent >= 0 && lifted[place] > lifted[parent]) lifted[parent] = lifted[place]
        }
        return lifted
    }

    /** Of all paths from root to leaf the one with the highest mean of the model's own scores; the first wins a tie. */
    private fun bestPath(paths: List<List<Int>>, scores: FloatArray): List<Int> {
        var best = emptyList<Int>()
        var highest = Double.NEGATIVE_INFINITY
        for (path in paths) {
            val mean = path.map { scores[it].toDouble() }.sum() / path.size
            if (mean > highest) {
                best = path
                highest = mean
            }
        }
        return best
    }

    private fun pathTo(place: Int): List<Int> =
        (if (parents[place] < 0) emptyList() else pathTo(parents[place])) + place

    companion object {
        /** Stored uint8 values as scores: scale * (stored - zeroPoint). */
        fun dequantize(stored: ByteArray, scale: Float, zeroPoint: Int): FloatArray =
            FloatArray(stored.size) { ((stored[it].toInt() and 0xff) - zeroPoint).toFloat() * scale }
    }
}
