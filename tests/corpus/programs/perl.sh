# perl: expressions, sorting, packing, big numbers, modules written in C.
# limit: 60
# quick
cat >program.pl <<'P'
use strict; use warnings; use List::Util qw(sum0 first shuffle reduce); use Digest::SHA qw(sha256_hex); use Digest::MD5 qw(md5_hex);
use Math::BigInt; use Math::BigFloat; use Data::Dumper; use Storable qw(dclone); use Time::Local; use POSIX qw(strtol ceil);
$Data::Dumper::Sortkeys = $Data::Dumper::Terse = 1;
my $x = 99; my @v = map { $x = ($x * 69069 + 1) % 4294967296 } 1 .. 15000;
my $h = 0; $h = ($h * 37 + $_) % 999999937 for sort { $a <=> $b } @v; print "$h\n";
my %group; push @{$group{$_ % 101}}, $_ for @v;
print join(' ', map { "$_:" . scalar @{$group{$_}} } (sort { @{$group{$b}} <=> @{$group{$a}} || $a <=> $b } keys %group)[0 .. 4]), "\n";
my $text = join ' ', map { chr(97 + $_ % 23) x ($_ % 4 + 1) . ($_ * 17 % 1000) } 1 .. 2500;
my $n = () = $text =~ /\b([a-w])\1+(\d{2,})\b/g; (my $changed = $text) =~ s/(\d+)/sprintf '%x', $1 * 3/ge;
print "$n ", md5_hex($changed), ' ', substr(sha256_hex($text), 0, 24), "\n";
my $nested = qr/(\[(?:[^\[\]]++|(?1))*\])/; print "a[b[c]d[e]]f[" =~ $nested ? "$1\n" : "none\n";
print join('|', 'k1=v1;k2="a;b";k3=' =~ /(\w+)=("[^"]*"|[^;]*)/g), ' ', join(',', split /(?<=,)/, 'a,b,c'), "\n";
printf "%.15g %e %08.3f %-5s| %+d %b %o %s %s\n", 0.1 + 0.2, 123456.789, 3.14159, 'ab', 7, 37, 511, 1e15 / 3, 9**20;
print unpack('H*', pack 'w/a C n N q> d< f> Z6', 'xyz', 200, 513, 70000, -9, 2.5, -0.75, 'nul'), ' ', join(',', unpack '(a3)*', 'abcdefgh'), "\n";
print Math::BigInt->new(7)->bpow(200), "\n", Math::BigInt->new('98765432109876543210')->bmodpow(12345, '1000000000000000000117'), "\n";
print Math::BigFloat->new(2)->bsqrt(60), "\n", Dumper(dclone({ list => [1, [2, 3]], text => \'t' })), "\n";
sub hanoi { my ($n, $a, $b, $c) = @_; $n ? hanoi($n - 1, $a, $c, $b) + 1 + hanoi($n - 1, $c, $b, $a) : 0 } print hanoi(11, 1, 2, 3), "\n";
my $sieve = ''; vec($sieve, $_, 1) = 1 for 2 .. 20000;
for my $p (2 .. 141) { next unless vec $sieve, $p, 1; for (my $m = $p * $p; $m <= 20000; $m += $p) { vec($sieve, $m, 1) = 0 } }
print unpack('%32b*', $sieve), ' ', timegm(5, 4, 3, 2, 1, 2000), ' ', ceil(-2.5), ' ', (strtol 'ff', 16)[0], "\n";
my $s = 'abc' x 2000; for (1 .. 4000) { substr($s, $_ % 5000, 2) =~ tr/a-c/b-ca/; $s = reverse $s if $_ % 500 == 0 } print md5_hex($s), "\n";
eval { die { code => 17 } }; print $@->{code}, ' ', (eval { no warnings; my $z = 0; 1 / $z } // 'undefined'), ' ', $@ =~ /zero/ ? 'zero' : '', "\n";
{ package Stack; sub new { bless [], shift } sub push { my $s = shift; push @$s, @_; $s } sub sum { List::Util::sum0(@{+shift}) } use overload '+' => sub { Stack->new->push(@{$_[0]}, @{$_[1]}) }; }
print((Stack->new->push(1 .. 9) + Stack->new->push(10))->sum, ' ', sprintf('%vd', '1.22.333'), ' ', join(',', map { $_ ** 2 } grep { $_ & 1 } 1 .. 9), "\n");
P
perl program.pl
