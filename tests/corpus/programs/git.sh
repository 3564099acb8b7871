# git: commits, branches, a merge with a conflict, deltas, a check of everything.
# limit: 60
# quick
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000001 +0000' GIT_CONFIG_NOSYSTEM=1
git init -q -b trunk r && cd r || exit
for i in 1 2 3 4 5 6 7 8; do seq $i 400 >f$i; mkdir -p d$i && seq 1 $i 900 >d$i/g; done
git add . && git commit -qm first
for i in 1 2 3 4; do sed -i "s/^$i/x$i/" f1 f2 d3/g && git commit -qam "change $i"; done
git checkout -qb side HEAD~2 && sed -i '100s/.*/side/' f1 f5 && git commit -qam side && git checkout -q trunk && sed -i '100s/.*/trunk/' f1 && git commit -qam trunk
git merge side >/dev/null || { git diff --name-only --diff-filter=U; git checkout --theirs f1 2>/dev/null; git commit -qam merged; }
git log --format='%h %s' --graph; git diff --stat HEAD~3 | tail -n 3; git gc -q && git fsck && git rev-list --objects --all | wc -l
git log -p --all | cksum; git blame -s f1 | sed -n '98,101p'; git show HEAD~1:d3/g | cksum; git archive HEAD | cksum; git grep -c 77 -- 'f*'; git tag -am t v1 && git describe
git clone -q . ../copy && git -C ../copy log -1 --format=%H && git rebase -q HEAD~2 2>&1 | head -n 2; git stash list; git bisect start -q HEAD HEAD~3 2>&1 | head -n 1; git reset -q --hard; git status --short | wc -l
