package android.graphics;

public final class ImageDecoder {
    public static final int ALLOCATOR_SOFTWARE = 1;
    public static class ImageInfo { }
    public static abstract class Source { }
    public interface OnHeaderDecodedListener { void onHeaderDecoded(ImageDecoder decoder, ImageInfo info, Source source); }
    public static Source createSource(android.content.ContentResolver resolver, android.net.Uri uri) { return null; }
    public static Bitmap decodeBitmap(Source source, OnHeaderDecodedListener listener) throws java.io.IOException {
        return null;
    }
    public void setAllocator(int allocator) { }
    public int getAllocator() { return ALLOCATOR_SOFTWARE; }
}
