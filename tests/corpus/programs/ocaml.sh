# ocaml's byte code.
# limit: 60
cat >program.ml <<'M'
module M = Map.Make (Int)
type shape = Disc of float | Box of { a : float; b : float }
let area = function Disc r -> 3.125 *. r *. r | Box { a; b } -> a *. b
let rec tak x y z = if y >= x then z else tak (tak (x - 1) y z) (tak (y - 1) z x) (tak (z - 1) x y)
exception Stop of int
let () = Printf.printf "%d\n" (tak 12 8 4)
let m = List.fold_left (fun m i -> M.update (i * 31 mod 211) (function None -> Some i | Some v -> Some (v * 3 + i mod 7)) m) M.empty (List.init 4000 Fun.id)
let () = Printf.printf "%d %d\n" (M.cardinal m) (M.fold (fun k v s -> (s * 31 + (k lxor v)) land 0xffffffff) m 7)
let () = Printf.printf "%.6f\n" (List.fold_left (fun s i -> s +. area (if i land 1 = 0 then Disc (float i) else Box { a = float i; b = 0.5 })) 0. (List.init 3000 Fun.id))
let () = (try for i = 0 to 1000 do if i * i > 5000 then raise (Stop i) done with Stop i -> Printf.printf "stop %d\n" i); print_endline (String.concat "," (List.map string_of_int (List.sort compare [ 3; -1; 2 ])))
let b = Buffer.create 100 let () = for i = 1 to 2000 do Buffer.add_string b (Printf.sprintf "%x;" (i * i)) done; print_endline (Digest.to_hex (Digest.string (Buffer.contents b)))
M
ocaml program.ml
