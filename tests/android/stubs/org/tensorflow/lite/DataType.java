package org.tensorflow.lite;

public enum DataType {
    FLOAT32(4), UINT8(1), INT8(1);
    private final int size;
    DataType(int size) { this.size = size; }
    public int byteSize() { return size; }
}
