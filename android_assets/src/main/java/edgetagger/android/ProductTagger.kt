package edgetagger.android

import android.content.Context
import android.graphics.Bitmap
import java.io.Closeable
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate

/**
 * Tags photos with the model in this module's assets: a bitmap in, its tags out.
 *
 * `threads` counts those of the CPU. `gpu` asks for the GPU delegate: see [gpuIsSupported]. Make, use and close it on
 * one thread that is not the main one: LiteRT's GPU delegate is bound to the thread that made it. `assets` is the
 * folder inside the app's assets.
 *
 * Throws IllegalStateException where a GPU is asked for and not supported, IllegalArgumentException where the files do
 * not belong together, and IOException where the model is missing or compressed.
 */
class ProductTagger @JvmOverloads constructor(
    context: Context,
    threads: Int = 2,
    gpu: Boolean = false,
    assets: String = "edge_tagger"
) : Closeable {
    val manifest = Manifest.parse(context.assets.open("$assets/edge_tagger.json").use { it.reader().readText() })
    private val decoder = TagDecoder(manifest)
    private val size = manifest.imageSize
    private val gpuDelegate: GpuDelegate?
    private val interpreter: Interpreter
    private val input: ByteBuffer
    private val output: ByteBuffer

    init {
        val model = map(context, "$assets/model.tflite")
        check(!gpu || gpuIsSupported()) {
            "LiteRT lists no support for this phone's GPU; make the tagger with gpu = false"
        }
        gpuDelegate = if (gpu) GpuDelegate() else null
        val options = Interpreter.Options().setNumThreads(threads)
        gpuDelegate?.let { options.addDelegate(it) }
        try {
            interpreter = Interpreter(model, options)
        } catch (error: RuntimeException) {
            gpuDelegate?.close()
            throw error
        }
        try {
            input = buffer(interpreter.getInputTensor(0).dataType(), size * size * 3)
            output = buffer(interpreter.getOutputTensor(0).dataType(), manifest.tags.size)
            require(input.capacity() == interpreter.getInputTensor(0).numBytes()) {
                "the model takes no $size px photos, which is what the manifest says"
            }
            require(output.capacity() == interpreter.getOutputTensor(0).numBytes()) {
                "the model does not give ${manifest.tags.size} scores, as many as the manifest names tags"
            }
        } catch (error: RuntimeException) {
            close()
            throw error
        }
    }

    /** The tags of a photo, upright, of any size: it is stretched to the model's. Facet by facet, parents first. */
    fun tag(photo: Bitmap): List<TagScore> = decoder.decode(scores(photo))

    /** The model's scores as they are: dequantized, undecoded, in the order of the manifest's tags. */
    @Synchronized
    fun scores(photo: Bitmap): FloatArray {
        val readable =
            if (photo.config == Bitmap.Config.ARGB_8888) photo else photo.copy(Bitmap.Config.ARGB_8888, false)
        val argb = IntArray(readable.width)
        val pixels = stretch(readable.width, readable.height, size) { y ->
            argb.also { readable.getPixels(it, 0, it.size, 0, y, it.size, 1) }
        }
        input.rewind()
        if (input.capacity() == pixels.size) input.put(pixels)
        else pixels.forEach { input.putFloat((it.toInt() and 0xff).toFloat()) }
        input.rewind()
        output.rewind()
        interpreter.run(input, output)
        output.rewind()
        if (output.capacity() != manifest.tags.size) return FloatArray(manifest.tags.size) { output.getFloat() }
        val quantization = interpreter.getOutputTensor(0).quantizationParams()
        val stored = ByteArray(output.capacity()).also { output.get(it) }
        return TagDecoder.dequantize(stored, quantization.scale, quantization.zeroPoint)
    }

    /** Frees the model. The tagger cannot be used afterwards. */
    override fun close() {
        interpreter.close()
        gpuDelegate?.close()
    }

    companion object {
        /** Whether LiteRT knows that its GPU delegate works on this phone. */
        @JvmStatic
        fun gpuIsSupported(): Boolean = CompatibilityList().use { it.isDelegateSupportedOnThisDevice }

        private fun map(context: Context, asset: String): MappedByteBuffer =
            // Throws where the asset is compressed: see noCompress in README.md.
            context.assets.openFd(asset).use { file ->
                FileInputStream(file.fileDescriptor).use {
                    it.channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
                }
            }

        private fun buffer(type: DataType, count: Int): ByteBuffer {
            require(type == DataType.UINT8 || type == DataType.FLOAT32) {
                "a tensor is $type; convert the model with --io uint8 or --io float32"
            }
            return ByteBuffer.allocateDirect(count * type.byteSize()).order(ByteOrder.nativeOrder())
        }
    }
}
