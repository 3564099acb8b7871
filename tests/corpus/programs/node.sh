# node: V8, which makes code of its own while it runs, in tiers.
# limit: 180
node "$SOURCES/core.js"
