# openssl: digests, ciphers, key derivation, signatures with fixed keys, big numbers.
# limit: 60
# quick
seq 1 40000 >text
for digest in md5 sha1 sha224 sha256 sha384 sha512 sha3-256 blake2b512 blake2s256 ripemd160 sm3; do openssl dgst -$digest -r text; done
key=000102030405060708090a0b0c0d0e0f iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
for cipher in aes-128-cbc aes-128-ctr aes-256-cbc camellia-128-cbc aria-128-cbc sm4-cbc; do
    case $cipher in *256*) k=$key$key ;; *) k=$key ;; esac
    openssl enc -$cipher -K $k -iv $iv -in text -out secret && cksum <secret && openssl enc -d -$cipher -K $k -iv $iv -in secret | cmp - text
done
openssl enc -chacha20 -K $key$key -iv $iv -in text | cksum
openssl dgst -sha256 -hmac secret -r text
openssl mac -cipher AES-128-CBC -macopt hexkey:$key -in text CMAC
openssl kdf -keylen 24 -kdfopt digest:SHA512 -kdfopt pass:word -kdfopt salt:NaCl -kdfopt iter:1500 PBKDF2
openssl kdf -keylen 24 -kdfopt pass:word -kdfopt salt:NaCl -kdfopt n:256 -kdfopt r:8 -kdfopt p:1 SCRYPT
openssl prime 170141183460469231731687303715884105727; openssl prime -hex FFFFFFFFFFFFFFC5
openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem
head -c 100 text >short && openssl pkeyutl -sign -inkey key.pem -rawin -in short -out sign && openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in short -sigfile sign
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem && openssl dgst -sha256 -sign ec.pem -out sign text && openssl ec -in ec.pem -pubout -out ecpub.pem 2>/dev/null && openssl dgst -sha256 -verify ecpub.pem -signature sign text
