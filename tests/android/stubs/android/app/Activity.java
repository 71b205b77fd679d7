package android.app;

public class Activity extends android.content.Context {
    public static final int RESULT_OK = -1;
    protected void onCreate(android.os.Bundle savedInstanceState) { }
    protected void onActivityResult(int requestCode, int resultCode, android.content.Intent data) { }
    protected void onDestroy() { }
    public void startActivityForResult(android.content.Intent intent, int requestCode) { }
    public void setContentView(android.view.View view) { }
    public final void runOnUiThread(Runnable action) { }
    public android.content.ContentResolver getContentResolver() { return null; }
    @Override public android.content.res.AssetManager getAssets() { return null; }
}
