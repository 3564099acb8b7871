# bc and dc: pi, roots, powers, functions.
# limit: 40
# quick
export BC_LINE_LENGTH=0
echo 'scale=300; 4*a(1)
scale=50; e(2); l(11); s(0.7); c(3); j(1,2.5); sqrt(3); 22/7
3^500; 13^777 % 10^40; obase=16; 2^150-1; obase=2; 1000' | bc -l
echo 'define g(a,b) { if (b == 0) return a; return g(b, a % b); } g(123456789012345678901234567890, 987654321098765432109876543210)
define f(n) { if (n < 2) return n; return f(n-1) + f(n-2); } f(15)
x = 7; for (i = 1; i < 250; i++) x = (x * x + i) % (10^30 + 57); x' | bc
echo '40k 2v p 17 3 ^ 5 ~ f c [d1-d1<F*]sF 20lFxp 16i FFAA p 2o p' | dc
