package android.content.res;

public class AssetFileDescriptor implements java.io.Closeable {
    private final java.io.FileInputStream stream;
    private final long length;
    AssetFileDescriptor(java.io.File file) throws java.io.IOException {
        stream = new java.io.FileInputStream(file);
        length = file.length();
    }
    public java.io.FileDescriptor getFileDescriptor() {
        try {
            return stream.getFD();
        } catch (java.io.IOException error) {
            throw new IllegalStateException(error);
        }
    }
    public long getStartOffset() { return 0; }
    public long getDeclaredLength() { return length; }
    @Override public void close() throws java.io.IOException { stream.close(); }
}
