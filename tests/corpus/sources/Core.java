// For java: hot loops, virtual and interface calls, exceptions, long and double arithmetic, collections, streams, threads.
import java.math.BigInteger;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Core {
    sealed interface Shape permits Disc, Box {}
    record Disc(double r) implements Shape {}
    record Box(double a, double b) implements Shape {}

    static abstract class Step { abstract long go(long v); }
    static final Step[] STEPS = {
        new Step() { long go(long v) { return v * 3 + 1; } },
        new Step() { long go(long v) { return v >>> 1; } },
        new Step() { long go(long v) { return Long.rotateLeft(v, 11) ^ v; } },
    };

    static double area(Shape s) {
        return switch (s) {
            case Disc d -> 3.125 * d.r() * d.r();
            case Box(double a, double b) -> a * b;
        };
    }

    static int ackermann(int m, int n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }

    static int fail(int n) {
        try {
            if (n % 3 == 0) throw new IllegalStateException("n" + n);
            return new int[n % 5][1 + n % 2].length + Integer.parseInt(n % 7 == 0 ? "x" : "" + n) / (n % 4);
        } catch (ArithmeticException e) {
            return 1;
        } catch (IllegalStateException | NumberFormatException e) {
            return e.getMessage().length();
        } finally {
            counter.addAndGet(n);
        }
    }

    static final AtomicLong counter = new AtomicLong();

    public static void main(String[] arguments) throws Exception {
        System.out.println(ackermann(2, 300));
        long v = 27;
        for (int i = 0; i < 600000; i++) v = STEPS[(int) (i % 5 == 0 ? 2 : v & 1 ^ 1)].go(v) & 0xffffffffffffL;
        System.out.println(v);
        double sum = 0;
        for (int i = 1; i < 60000; i++) sum += area(i % 3 == 0 ? new Disc(i) : new Box(i, 1.0 / i));
        System.out.println(sum);
        int caught = 0;
        for (int i = 0; i < 6000; i++) caught += fail(i);
        System.out.println(caught + " " + counter.get());
        int[] sieve = new int[60000];
        int primes = 0;
        for (int i = 2; i < sieve.length; i++) {
            if (sieve[i] == 0) { primes++; for (long j = (long) i * i; j < sieve.length; j += i) sieve[(int) j]++; }
        }
        System.out.println(primes + " " + Arrays.hashCode(sieve));
        double[][] a = new double[60][60], b = new double[60][60];
        for (int i = 0; i < 60; i++) for (int j = 0; j < 60; j++) { a[i][j] = i * 7 % 11 - j * 0.5; b[i][j] = (i ^ j) / 3.0; }
        double trace = 0;
        for (int round = 0; round < 3; round++) for (int i = 0; i < 60; i++) for (int j = 0; j < 60; j++) {
            double c = 0;
            for (int k = 0; k < 60; k++) c = Math.fma(a[i][k], b[k][j], c);
            if (i == j) trace += c;
        }
        System.out.println(trace + " " + Math.sin(trace) + " " + Math.pow(1.0001, 5000) + " " + (float) (trace / 3) + " " + (int) 3e10 + " " + (long) Double.NaN);
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 30000; i++) counts.merge("k" + i * 31 % 997, i, (x, y) -> x * 17 + y);
        System.out.println(new TreeMap<>(counts).hashCode() + " " + counts.size());
        Map<Integer, Long> lengths = IntStream.range(0, 20000).filter(i -> i % 7 == 3).mapToObj(i -> "" + i)
            .collect(Collectors.groupingBy(String::length, TreeMap::new, Collectors.counting()));
        System.out.println(lengths);
        BigInteger big = BigInteger.valueOf(3).pow(700);
        System.out.println(big.mod(BigInteger.TEN.pow(30)) + " " + big.modPow(BigInteger.valueOf(65537), BigInteger.TWO.pow(127).subtract(BigInteger.ONE)) + " " + BigInteger.TWO.pow(89).subtract(BigInteger.ONE).isProbablePrime(20));
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 4000; i++) text.append((char) ('a' + i * 7 % 26)).append(i % 10);
        System.out.println(text.toString().hashCode() + " " + text.toString().replaceAll("[aeiou](\\d)", "<$1>").hashCode() + " " + String.format("%08.3f|%-6s|%x|%,d", 3.14159, "ab", 255, 1234567));
        long checksum = 0;
        for (int i = 0; i < 200000; i++) checksum += Long.numberOfTrailingZeros(i | 1L << 40) * (long) Integer.bitCount(i) + Math.floorMod(-i, 7) + (i % 9 - 4) / 3 + Long.compareUnsigned(-i, i) + Math.multiplyHigh(i * 0x9e3779b97f4a7c15L, i);
        System.out.println(checksum);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> parts = new ArrayList<>();
        LongAdder adder = new LongAdder();
        for (int part = 0; part < 8; part++) {
            final int from = part * 1000;
            parts.add(pool.submit(() -> { long s = 0; for (int i = from; i < from + 1000; i++) { s = s * 31 + i; adder.add(i); } return s; }));
        }
        long all = 0;
        for (Future<Long> part : parts) all = all * 7 + part.get();
        pool.shutdown();
        System.out.println(all + " " + adder.sum() + " " + pool.awaitTermination(9, TimeUnit.SECONDS));
        Object lock = new Object();
        int[] shared = {0};
        Thread[] threads = new Thread[3];
        for (int t = 0; t < 3; t++) (threads[t] = new Thread(() -> { for (int i = 0; i < 5000; i++) synchronized (lock) { shared[0]++; } })).start();
        for (Thread thread : threads) thread.join();
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 4000; i++) { byte[] piece = new byte[4096]; piece[i % 4096] = (byte) i; if (i % 40 == 0) kept.add(piece); }
        System.out.println(shared[0] + " " + kept.stream().mapToInt(Arrays::hashCode).sum());
    }
}
