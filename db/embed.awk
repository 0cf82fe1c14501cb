# Turns SQL files into a C table: NNNN_name.sql are migrations, others routines,
# numbered 0.  Strings are joined by hand because
# awks disagree about backslashes in gsub.
function join(text, at, with,    part, n, i, out) {
	n = split(text, part, at)
	out = part[1]
	for (i = 2; i <= n; i++)
		out = out with part[i]
	return out
}
BEGIN {
	print "/* Made by db/embed.awk from db/schema and db/routines. */"
	print "#include \"db/schema_files.h\"\n"
	print "const struct schema_file schema_files[] = {"
}
FNR == 1 {
	if (files++)
		print "\t},"
	n = split(FILENAME, part, "/")
	printf "\t{%d, \"%s\",\n", substr(part[n], 1, 4) + 0, part[n]
}
{
	line = join(join($0, "\\\\", "\\\\"), "\"", "\\\"")
	printf "\t\t\"%s\\n\"\n", join(line, "\t", "\\t")
}
END {
	if (files)
		print "\t},"
	print "\t{0, 0, 0},\n};"
}
