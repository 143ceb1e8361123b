# Joins the shards of the simulation into one price and its 95 % interval.
{
    for (i = 1; i <= 3; ++i) {
        name = substr("paths  sum    squares", 7 * i - 6, 7)
        gsub(/ /, "", name)
        if (match($0, "\"" name "\": *[-+0-9.e]+")) {
            value = substr($0, RSTART, RLENGTH)
            sub(/.*: */, "", value)
            total[name] += value
        }
    }
}
END {
    if (!total["paths"]) exit 1
    mean = total["sum"] / total["paths"]
    spread = (total["squares"] / total["paths"] - mean * mean) / (total["paths"] - 1)
    printf "%.4f +- %.4f (95 %%) from %d paths\n", mean, 1.96 * sqrt(spread), total["paths"]
}
