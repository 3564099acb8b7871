# javac and java: HotSpot, which makes code of its own in two tiers.
# limit: 400
cp "$SOURCES/Core.java" . && javac -J-XX:+UseSerialGC -J-Xmx512m Core.java && java -XX:+UseSerialGC -Xmx512m Core
