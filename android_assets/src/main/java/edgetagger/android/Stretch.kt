package edgetagger.android

/**
 * A photo stretched to a square as `cv2.resize(INTER_LINEAR)` does it, to a step of 1: RGB bytes [size, size, 3].
 *
 * `row(y)` gives the photo's row y as ARGB integers, not premultiplied. Alpha is laid over white. Only the rows that
 * are looked at are asked for: 2 * size of them at most, so that a photo of 12 megapixels costs no copy of it.
 * Android's own scaling is not used: it differs between versions, and the model's scores with it.
 */
fun stretch(width: Int, height: Int, size: Int, row: (Int) -> IntArray): ByteArray {
    val columns = Samples(width, size)
    val rows = Samples(height, size)
    val kept = arrayOf(FloatArray(0), FloatArray(0))
    val keptRow = intArrayOf(-1, -1)
    fun narrowed(y: Int): FloatArray {
        val slot = y % 2 // two rows that follow each other have different slots
        if (keptRow[slot] != y) {
            kept[slot] = narrow(row(y), columns)
            keptRow[slot] = y
        }
        return kept[slot]
    }
    val pixels = ByteArray(size * size * 3)
    for (y in 0 until size) {
        val upper = narrowed(rows.first[y])
        val lower = narrowed(rows.second[y])
        val share = rows.share[y]
        for (x in upper.indices) {
            pixels[y * upper.size + x] = (upper[x] + (lower[x] - upper[x]) * share + 0.5f).toInt().toByte()
        }
    }
    return pixels
}

/** Which two source pixels each target pixel lies between, by the pixels' centres, and the share of the second. */
private class Samples(from: Int, to: Int) {
    private val centres = DoubleArray(to) { ((it + 0.5) * from / to - 0.5).coerceIn(0.0, from - 1.0) }
    val first = IntArray(to) { centres[it].toInt() }
    val second = IntArray(to) { minOf(first[it] + 1, from - 1) }
    val share = FloatArray(to) { (centres[it] - first[it]).toFloat() }
}

private fun narrow(argb: IntArray, columns: Samples): FloatArray {
    val narrowed = FloatArray(columns.first.size * 3)
    for (x in columns.first.indices) {
        val left = argb[columns.first[x]]
        val right = argb[columns.second[x]]
        for (channel in 0..2) {
            val from = overWhite(left, channel)
            narrowed[3 * x + channel] = from + (overWhite(right, channel) - from) * columns.share[x]
        }
    }
    return narrowed
}

/** Channel 0 (red), 1 or 2 of an ARGB pixel laid over white. */
private fun overWhite(argb: Int, channel: Int): Int {
    val alpha = argb ushr 24
    val value = argb ushr (16 - 8 * channel) and 0xff
    return (value * alpha + 255 * (255 - alpha) + 127) / 255
}
