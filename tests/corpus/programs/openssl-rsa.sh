# openssl: RSA and Diffie-Hellman keys, a certificate: long arithmetic.
# limit: 120
openssl genrsa -out key.pem 2048 2>/dev/null && openssl rsa -in key.pem -check -noout
seq 100 >text && openssl dgst -sha256 -sign key.pem -out sign text && openssl rsa -in key.pem -pubout -out public.pem 2>/dev/null
openssl dgst -sha256 -verify public.pem -signature sign text
openssl req -x509 -key key.pem -subj /CN=corpus -days 3 -out certificate.pem && openssl verify -CAfile certificate.pem certificate.pem
openssl pkeyutl -encrypt -pubin -inkey public.pem -in text -out secret 2>/dev/null; head -c 100 text | openssl pkeyutl -encrypt -pubin -inkey public.pem -pkeyopt rsa_padding_mode:oaep | openssl pkeyutl -decrypt -inkey key.pem -pkeyopt rsa_padding_mode:oaep | cksum
for i in 1 2; do openssl genpkey -algorithm x25519 -out x$i.pem && openssl pkey -in x$i.pem -pubout -out p$i.pem; done
openssl pkeyutl -derive -inkey x1.pem -peerkey p2.pem -out s1 && openssl pkeyutl -derive -inkey x2.pem -peerkey p1.pem -out s2 && cmp s1 s2 && echo shared
