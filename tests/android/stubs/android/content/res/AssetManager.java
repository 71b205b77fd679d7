package android.content.res;

/** Reads a folder. */
public class AssetManager {
    private final java.io.File folder;
    public AssetManager(java.io.File folder) { this.folder = folder; }
    public java.io.InputStream open(String name) throws java.io.IOException {
        return new java.io.FileInputStream(new java.io.File(folder, name));
    }
    public AssetFileDescriptor openFd(String name) throws java.io.IOException {
        return new AssetFileDescriptor(new java.io.File(folder, name));
    }
}
