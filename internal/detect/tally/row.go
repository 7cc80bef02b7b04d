package tally

// Row holds a few texts one behind the other, each cut at LongestText, and is used
// over and over.
type Row struct {
	bytes []byte
	ends  []int
}

// Emptied is a row without texts in the memory of r.
func (r Row) Emptied() Row { return Row{r.bytes[:0], r.ends[:0]} }

// Append adds one text.
func (r *Row) Append(text []byte) {
	r.bytes = append(r.bytes, Cut(text)...)
	r.ends = append(r.ends, len(r.bytes))
}

// At is the i-th text, nil when there are not so many.
func (r *Row) At(i int) []byte {
	switch {
	case i >= len(r.ends):
		return nil
	case i == 0:
		return r.bytes[:r.ends[0]]
	}
	return r.bytes[r.ends[i-1]:r.ends[i]]
}
