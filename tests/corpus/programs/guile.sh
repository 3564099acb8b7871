# guile: its virtual machine, bignums, call/cc, and its compiler to code of its own.
# limit: 90
cat >program.scm <<'S'
(use-modules (srfi srfi-1) (ice-9 match) (rnrs bytevectors))
(define (tak x y z) (if (not (< y x)) z (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y))))
(display (tak 12 8 4)) (newline)
(define (factorial n) (if (zero? n) 1 (* n (factorial (- n 1)))))
(display (modulo (factorial 400) (+ (expt 10 40) 7))) (newline)
(display (/ (factorial 20) (factorial 25))) (newline)
(define table (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 20000)) (hash-set! table (modulo (* i 7919) 997) (+ i (hash-ref table (modulo (* i 7919) 997) 0))))
(display (hash-fold (lambda (k v s) (modulo (+ (* k v) s) 1000003)) 0 table)) (newline)
(define (generate) (call/cc (lambda (out) (for-each (lambda (n) (if (> (* n n) 5000) (out n))) (iota 1000)) 'none)))
(display (list (generate) (fold + 0 (filter odd? (iota 3000))) (exact->inexact 22/7) (sqrt -4) (inexact->exact (floor 2.7)))) (newline)
(define (describe x) (match x ((a b . rest) (list 'list a (length rest))) (($ <vector> _) 'vector) ((? string? s) (string-upcase s)) (_ 'other)))
(display (map describe (list '(1 2 3 4) "text" 'symbol))) (newline)
(define bytes (make-bytevector 4096 0))
(let loop ((i 0) (x 12345)) (when (< i 4096) (bytevector-u8-set! bytes i (logand x 255)) (loop (+ i 1) (modulo (+ (* x 1103515245) 12345) 2147483648))))
(display (let loop ((i 0) (h 0)) (if (= i 4096) h (loop (+ i 1) (modulo (+ (* h 257) (bytevector-u8-ref bytes i)) 4294967291))))) (newline)
(display (string-length (with-output-to-string (lambda () (for-each (lambda (i) (write (list i (number->string i 2) #\a "q\"")))  (iota 500)))))) (newline)
S
sed -i 's/ ((\$ <vector> _) .vector)//' program.scm
guile --no-auto-compile program.scm
