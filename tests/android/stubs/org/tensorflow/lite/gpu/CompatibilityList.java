package org.tensorflow.lite.gpu;

public class CompatibilityList implements java.io.Closeable {
    public CompatibilityList() { }
    public boolean isDelegateSupportedOnThisDevice() { return Boolean.getBoolean("stub.gpu"); }
    @Override public void close() { }
}
