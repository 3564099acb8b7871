# sbcl, which compiles every function to code of its own before it runs it.
# limit: 120
cat >program.lisp <<'L'
(defun tak (x y z) (declare (fixnum x y z) (optimize (speed 3) (safety 0))) (if (not (< y x)) z (tak (tak (1- x) y z) (tak (1- y) z x) (tak (1- z) x y))))
(defun mandelbrot (n) (let ((total 0)) (dotimes (i n total) (dotimes (j n) (let ((c (complex (- (/ (* 3d0 i) n) 2) (- (/ (* 2d0 j) n) 1))) (z #c(0d0 0d0))) (dotimes (k 40) (when (> (abs z) 2) (return)) (setf z (+ (* z z) c)) (incf total)))))))
(defgeneric area (shape)) (defclass box () ((a :initarg :a) (b :initarg :b))) (defclass disc () ((r :initarg :r)))
(defmethod area ((s box)) (* (slot-value s 'a) (slot-value s 'b))) (defmethod area ((s disc)) (* 25/8 (slot-value s 'r) (slot-value s 'r)))
(defun try (n) (handler-case (cond ((zerop (mod n 3)) (error "n~a" n)) ((zerop (mod n 5)) (/ n 0)) (t (restart-case (invoke-restart 'again n) (again (v) v)))) (division-by-zero () -1) (error (e) (length (princ-to-string e)))))
(format t "~a ~a~%" (tak 14 8 3) (mandelbrot 40))
(format t "~a ~a~%" (mod (loop with p = 1 for i from 1 to 300 do (setf p (* p i)) finally (return p)) (+ (expt 10 30) 57)) (/ (expt 2 70) (expt 6 40)))
(format t "~a~%" (loop for i below 500 sum (area (if (evenp i) (make-instance 'box :a i :b 1/2) (make-instance 'disc :r i)))))
(format t "~a~%" (loop for i from 1 to 600 sum (try i)))
(let ((table (make-hash-table :test 'equal))) (dotimes (i 8000) (incf (gethash (format nil "k~a" (mod (* i 31) 211)) table 0) i)) (format t "~a ~a~%" (hash-table-count table) (loop for v being the hash-values of table maximize v)))
(format t "~,6f ~e ~s ~r ~x ~{~a~^,~}~%" (loop for i from 1 to 3000 sum (/ (sin (coerce i 'double-float)) i)) 1.5d-7 (sort (list 3 1 2) #'>) 1234 255 (remove-duplicates '(a b a c)))
(let ((f (compile nil '(lambda (v) (declare (type (simple-array double-float (*)) v)) (loop for x across v sum (* x x) of-type double-float))))) (format t "~a~%" (funcall f (make-array 5 :element-type 'double-float :initial-contents '(1d0 2d0 3d0 4d0 0.5d0)))))
L
sbcl --noinform --disable-debugger --no-userinit --no-sysinit --script program.lisp
