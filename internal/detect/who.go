package detect

// names numbers pairs of account and principal.
type names struct {
	of   map[string]uint32
	list []string // account, a zero byte, principal
	last uint32
	key  []byte
}

func (n *names) number(account, principal []byte) uint32 {
	n.key = append(append(append(n.key[:0], cut(account)...), 0), cut(principal)...)
	if int(n.last) < len(n.list) && n.list[n.last] == string(n.key) {
		return n.last
	}
	i, ok := n.of[string(n.key)]
	if !ok {
		i = uint32(len(n.list))
		text := string(n.key)
		n.of[text] = i
		n.list = append(n.list, text)
	}
	n.last = i
	return i
}
