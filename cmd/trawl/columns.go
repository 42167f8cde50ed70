package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"trawl/frontier"
)

// widestName is how wide the column of hosts gets. A longer name, and there are some of hundreds of characters, sticks
// out of it: it is whole, to be copied, and moves no row but its own.
const widestName = 50

// hostColumns is a table of hosts for people.
type hostColumns struct {
	names []string
	width int
	rest  strings.Builder // the other columns, a line for each name
	w     *tabwriter.Writer
}

// newHostColumns makes a table with these columns beside the host's, parted by tabs.
func newHostColumns(titles string) *hostColumns {
	t := &hostColumns{names: []string{"HOST"}, width: len("HOST")}
	t.w = tabwriter.NewWriter(&t.rest, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t.w, titles)
	return t
}

// add adds a row. A host is ASCII by the WHATWG standard, so each of its runes takes a column.
func (t *hostColumns) add(h frontier.Host, cells ...string) {
	name := oneLine(string(h))
	if n := len([]rune(name)); n <= widestName {
		t.width = max(t.width, n)
	}
	t.names = append(t.names, name)
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// String is the table. The first line of rest is that of the titles, as the first of names is.
func (t *hostColumns) String() string {
	t.w.Flush() // into memory
	var b strings.Builder
	i := 0
	for line := range strings.Lines(t.rest.String()) {
		fmt.Fprintf(&b, "%-*s  %s", t.width, t.names[i], line)
		i++
	}
	return b.String()
}
