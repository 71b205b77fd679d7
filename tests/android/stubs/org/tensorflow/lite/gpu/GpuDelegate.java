package org.tensorflow.lite.gpu;

public class GpuDelegate implements org.tensorflow.lite.Delegate { public GpuDelegate() { } }
