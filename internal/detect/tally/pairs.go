package tally

// Callers numbers pairs of account and principal; the zero value is empty.
type Callers struct {
	of   map[string]uint32
	list []string // account, a zero byte, principal
	last uint32
	key  []byte
}

// maxCallers bounds the groups of one worker: a forged log can make up a caller
// for each event. Further ones share the caller (others).
const maxCallers = 1 << 16

// OthersName is the principal, without an account, of callers who are not told apart.
const OthersName = "(others)"

// Number is that of a pair, a new one when it was not met.
func (n *Callers) Number(account, principal []byte) uint32 {
	n.key = append(append(append(n.key[:0], Cut(account)...), 0), Cut(principal)...)
	if int(n.last) < len(n.list) && n.list[n.last] == string(n.key) {
		return n.last
	}
	i, ok := n.of[string(n.key)]
	if !ok && len(n.list) >= maxCallers {
		return n.Others()
	}
	return n.enter(i, ok)
}

// Others is the number that callers share who are not told apart.
func (n *Callers) Others() uint32 {
	n.key = append(append(n.key[:0], 0), OthersName...)
	i, ok := n.of[string(n.key)]
	return n.enter(i, ok)
}

// enter gives n.key a number unless it has i.
func (n *Callers) enter(i uint32, known bool) uint32 {
	if !known {
		if n.of == nil {
			n.of = map[string]uint32{}
		}
		i = uint32(len(n.list))
		text := string(n.key)
		n.of[text] = i
		n.list = append(n.list, text)
	}
	n.last = i
	return i
}

// Pair is the account, a zero byte and the principal of a number.
func (n *Callers) Pair(number uint32) string { return n.list[number] }
