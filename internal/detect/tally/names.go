package tally

// Number stands for a text in a Names.
type Number uint32

const (
	// Empty is the number of the empty text.
	Empty Number = 0
	// Others is the number of every text that a full Names did not know.
	Others Number = 1<<32 - 1
)

const (
	maxNames     = 1 << 20
	maxNameBytes = 64 << 20 // of texts, and nameBytes for each
	nameBytes    = 64
)

// Names numbers texts, so that each is kept once however many groups count it.
// The zero value is empty. A forged log can make up texts without end: a full
// Names takes no further ones.
type Names struct {
	of    map[string]Number
	list  []string // by number less 1
	bytes int
}

// Number is that of a text, which is cut at LongestText: a new one when it was not
// met, Others when there is no room for it.
func (n *Names) Number(text []byte) Number {
	if len(text) == 0 {
		return Empty
	}
	text = Cut(text)
	if i, ok := n.of[string(text)]; ok { // compiled without a copy of text
		return i
	}
	return n.enter(string(text))
}

func (n *Names) enter(text string) Number {
	if len(n.list) >= maxNames || n.bytes > maxNameBytes {
		return Others
	}
	if n.of == nil {
		n.of = map[string]Number{}
	}
	n.bytes += len(text) + nameBytes
	n.list = append(n.list, text)
	i := Number(len(n.list))
	n.of[text] = i
	return i
}

// Text is the text of a number.
func (n *Names) Text(i Number) string {
	if i == Empty || i == Others {
		return ""
	}
	return n.list[i-1]
}

// Merge takes over the texts of other and returns what their numbers are here, by
// their numbers there.
func (n *Names) Merge(other *Names) []Number {
	to := make([]Number, 1, len(other.list)+1)
	for _, text := range other.list {
		i, ok := n.of[text]
		if !ok {
			i = n.enter(text)
		}
		to = append(to, i)
	}
	return to
}
