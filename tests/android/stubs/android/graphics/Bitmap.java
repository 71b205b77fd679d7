package android.graphics;

/** Its pixel (x, y) is opaque (10 * y, x, 7), so that it can be told. */
public final class Bitmap {
    public enum Config { ARGB_8888, HARDWARE }
    private final int width, height;
    private final Config config;
    public Bitmap(int width, int height, Config config) {
        this.width = width;
        this.height = height;
        this.config = config;
    }
    public Config getConfig() { return config; }
    public int getWidth() { return width; }
    public int getHeight() { return height; }
    public Bitmap copy(Config config, boolean isMutable) { return new Bitmap(width, height, config); }
    public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
        if (config == Config.HARDWARE) throw new IllegalStateException("unable to getPixels(), hardware bitmap");
        for (int i = 0; i < width; i++) pixels[offset + i] = 0xff000000 | 10 * y << 16 | (x + i) << 8 | 7;
    }
}
