package pattern

// Finder finds which of many literals occur in a text, in one pass over it
// (Aho and Corasick, "Efficient string matching: an aid to bibliographic
// search", 1975). It is immutable.
type Finder struct {
	class   [256]uint16 // column of a byte, 0 for bytes that no literal has
	columns int
	next    []int32 // by state and column; state 0 is the start
	literal []int32 // literal that ends in a state, or -1
	shorter []int32 // longest proper suffix of a state that ends a literal, or 0
}

// NewFinder prepares literals, which are different and not empty.
func NewFinder(literals []string) *Finder {
	f := &Finder{columns: 1}
	for _, lit := range literals {
		for i := range len(lit) {
			if f.class[lit[i]] == 0 {
				f.class[lit[i]] = uint16(f.columns)
				f.columns++
			}
		}
	}
	f.addState()
	for n, lit := range literals {
		state := int32(0)
		for i := range len(lit) {
			at := int(state)*f.columns + int(f.class[lit[i]])
			if f.next[at] == 0 {
				f.next[at] = f.addState()
			}
			state = f.next[at]
		}
		f.literal[state] = int32(n)
	}
	f.link()
	return f
}

func (f *Finder) addState() int32 {
	f.next = append(f.next, make([]int32, f.columns)...)
	f.literal = append(f.literal, -1)
	f.shorter = append(f.shorter, 0)
	return int32(len(f.literal) - 1)
}

// link completes the trie breadth first: where a state has no next one, the next
// state of its longest proper suffix takes its place.
func (f *Finder) link() {
	suffix := make([]int32, len(f.literal))
	queue := []int32{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for c := range f.columns {
			at := int(state)*f.columns + c
			fallback := int32(0)
			if state != 0 {
				fallback = f.next[int(suffix[state])*f.columns+c]
			}
			child := f.next[at]
			if child == 0 {
				f.next[at] = fallback
				continue
			}
			suffix[child] = fallback
			f.shorter[child] = fallback
			if f.literal[fallback] < 0 {
				f.shorter[child] = f.shorter[fallback]
			}
			queue = append(queue, child)
		}
	}
}

// Find sets found[n] for every literal n that occurs in the text. Found has
// a place for each literal.
func (f *Finder) Find(text []byte, found []bool) {
	state := int32(0)
	for _, c := range text {
		state = f.next[int(state)*f.columns+int(f.class[c])]
		for s := state; s != 0; s = f.shorter[s] {
			if n := f.literal[s]; n >= 0 {
				found[n] = true
			}
		}
	}
}
