# make: pattern rules, a parallel build, functions, what is out of date.
# limit: 30
# quick
cat >Makefile <<'M'
numbers := $(shell seq 1 40)
files := $(addsuffix .out,$(addprefix f,$(numbers)))
square = $(shell echo $$(($(1) * $(1))))
total: $(files)
	@cat $^ | awk '{ sum += $$1 } END { print sum }' >$@
	@cat $@
f%.out: f%.in
	@awk '{ print $$1 * 3 }' $< >$@
f%.in:
	@echo $(call square,$*) >$@
.SECONDARY:
again: ; @echo $(words $(files)) $(sort c a b a) $(patsubst %.out,%.x,$(firstword $(files))) $(filter f1%,$(files))
M
make -j 3 total && make total && touch f7.in && make -n total | wc -l && make again
