// A fixed job for a Java virtual machine, started from source so that the compiler is part of it.
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

public class Job {
    static long buffers(int rounds) {
        long sum = 0;
        List<ByteBuffer> kept = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(64 + i * 7919 % 20000);
            buffer.putInt(0, i);
            sum += buffer.getInt(0);
            if (i % 16 == 0) {
                kept.add(buffer);
            }
        }
        return sum + kept.size();
    }

    static long compressed(int rounds) {
        CRC32 crc = new CRC32();
        byte[] out = new byte[1 << 16];
        for (int i = 0; i < rounds; i++) {
            Deflater deflater = new Deflater(1 + i % 9);
            deflater.setInput(("line " + i + "\n").repeat(500).getBytes());
            deflater.finish();
            crc.update(out, 0, deflater.deflate(out));
            deflater.end();
        }
        return crc.getValue();
    }

    public static void main(String[] arguments) throws InterruptedException {
        TreeMap<String, Integer> counts = new TreeMap<>();
        for (int i = 0; i < 200000; i++) {
            counts.merge("word" + i * 7919L % 9973, 1, Integer::sum);
        }
        long[] sums = new long[4];
        Thread[] threads = new Thread[sums.length];
        for (int t = 0; t < threads.length; t++) {
            final int mine = t;
            threads[t] = new Thread(() -> sums[mine] = IntStream.range(0, 200000).mapToObj(i -> "" + (i ^ mine)).mapToLong(String::length).sum());
            threads[t].start();
        }
        long total = 0;
        for (int t = 0; t < threads.length; t++) {
            threads[t].join();
            total += sums[t];
        }
        System.out.println("total " + total + " " + counts.size() + " " + buffers(5000) + " " + compressed(300));
    }
}
