package org.tensorflow.lite;

/** A model whose file says "TYPE inputs outputs": its scores are its first inputs, of pixel values over 256. */
public final class Interpreter implements AutoCloseable {
    public static class Options {
        public Options setNumThreads(int threads) { return this; }
        public Options addDelegate(Delegate delegate) { return this; }
    }
    private final DataType type;
    private final int inputs, outputs;
    private boolean closed;
    public Interpreter(java.nio.ByteBuffer model, Options options) {
        byte[] text = new byte[model.remaining()];
        model.get(text);
        String[] words = new String(text).trim().split(" ");
        type = DataType.valueOf(words[0]);
        inputs = Integer.parseInt(words[1]);
        outputs = Integer.parseInt(words[2]);
    }
    public Tensor getInputTensor(int place) { return tensor(inputs); }
    public Tensor getOutputTensor(int place) { return tensor(outputs); }
    private Tensor tensor(int count) {
        return new Tensor() {
            @Override public DataType dataType() { return type; }
            @Override public int numBytes() { return count * type.byteSize(); }
            @Override public QuantizationParams quantizationParams() { return new QuantizationParams(1 / 256f, 0); }
        };
    }
    public void run(Object input, Object output) {
        if (closed) throw new IllegalStateException("the Interpreter has already been closed");
        java.nio.ByteBuffer from = (java.nio.ByteBuffer) input, to = (java.nio.ByteBuffer) output;
        for (int i = 0; i < outputs; i++) {
            if (type == DataType.FLOAT32) to.putFloat(from.getFloat() / 256); else to.put(from.get());
        }
    }
    @Override public void close() { closed = true; }
}
