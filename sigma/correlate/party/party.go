// Package party counts whom the events of a window are of: accounts and principals go
// in, event by event; whether all are of one comes out, in bounded memory.
package party

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
)

const (
	// MaxAccounts is how many accounts a Tally names.
	MaxAccounts = rootkeep.MaxAlertAccounts
	// MaxParties is how many parties a Table tells apart, and how many accounts beside them.
	MaxParties = 256
	longest    = 512 // bytes of an account
	// others are accounts that are not told apart. It sorts after every number.
	others rootkeep.AccountID = "~"
)

// Party is whom an event is of. The zero value is one that is not known.
type Party struct {
	Account   rootkeep.AccountID
	Principal Digest
}

// Digest stands for a principal; zero for one that is not known, or for several.
type Digest [16]byte

// Of is the party of an account and a principal. Both are cut and digested, so that
// nothing is kept of what is forged to be long.
func Of(account, principal []byte) Party {
	sum := sha256.Sum256(principal)
	return Party{Account: rootkeep.AccountID(account[:min(len(account), longest)]), Principal: Digest(sum[:])}
}

func compare(a, b Party) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), slices.Compare(a.Principal[:], b.Principal[:]))
}

// Who is whom an event is of, and what came of its call. The zero Who is not known.
type Who struct {
	Party  Party
	Failed bool
}

// Write writes it.
func (o Who) Write(w *wire.Writer) {
	o.Party.Write(w)
	w.Bool(o.Failed)
}

// Read reads what Write wrote.
func (o *Who) Read(r *wire.Reader) { o.Party, o.Failed = Read(r), r.Bool() }

// Number stands for a party in a Table; 0 for one that is not known.
type Number uint16

// Table numbers parties. Of too many it tells the first apart, by account and principal; of
// the others it knows the account alone, and of too many accounts that they are others. What
// it tells does not depend on the order in which parties come. The zero value is empty.
type Table struct {
	list    []Party // number less one
	at      map[Party]Number
	last    Number
	trimmed int // parties that the last Trim left
	// From the last Trim on that left as many as there may be: what comes after these is
	// not told apart.
	most        Party
	mostAccount rootkeep.AccountID
}

// few is how many parties are found without a map.
const few = 16

// Number is that of a party, a new one if it was not met.
func (t *Table) Number(p Party) Number {
	if t.last > 0 && t.list[t.last-1] == p {
		return t.last
	}
	if p = t.cut(p); p == (Party{}) {
		return 0
	}
	n := t.find(p)
	if n == 0 {
		t.list = append(t.list, p)
		n = Number(len(t.list))
		if t.at != nil {
			t.at[p] = n
		}
	}
	t.last = n
	return n
}

// cut is as much of a party as there is room for.
func (t *Table) cut(p Party) Party {
	if t.most != (Party{}) && compare(p, t.most) > 0 {
		p.Principal = Digest{}
	}
	if p.Principal == (Digest{}) && t.mostAccount != "" && p.Account > t.mostAccount {
		p.Account = others
	}
	return p
}

// find is the number of a party that was met, 0 for none.
func (t *Table) find(p Party) Number {
	if len(t.list) < few {
		return Number(slices.Index(t.list, p) + 1)
	}
	if t.at == nil {
		t.at = make(map[Party]Number, 2*len(t.list))
		for i, met := range t.list {
			t.at[met] = Number(i + 1)
		}
	}
	return t.at[p]
}

// Party is that of a number.
func (t *Table) Party(n Number) Party {
	if n == 0 {
		return Party{}
	}
	return t.list[n-1]
}

// Len is how many parties have a number.
func (t *Table) Len() int { return len(t.list) }

// Added is how many parties were met since the last Trim.
func (t *Table) Added() int { return len(t.list) - t.trimmed }

// Clone is a copy.
func (t *Table) Clone() Table {
	c := *t
	c.list, c.at = slices.Clone(t.list), nil
	return c
}

// Merge adds the parties of o, and returns the numbers that they have here by those that
// they have there.
func (t *Table) Merge(o *Table) []Number {
	to := make([]Number, len(o.list)+1)
	for i, p := range o.list {
		to[i+1] = t.Number(p)
	}
	return to
}

// Trim forgets parties that are not used, and of too many the principals of the last, then
// the last accounts. It returns the new numbers by the old ones.
func (t *Table) Trim(used func(Number) bool) []Number {
	var known, accounts []Party
	for i, p := range t.list {
		switch {
		case !used(Number(i + 1)):
		case p.Principal == Digest{}:
			accounts = append(accounts, p)
		default:
			known = append(known, p)
		}
	}
	before := t.list
	*t = Table{}
	slices.SortFunc(known, compare)
	if len(known) >= MaxParties {
		for _, p := range known[MaxParties:] {
			if p.Account != "" {
				accounts = append(accounts, Party{Account: p.Account})
			}
		}
		known, t.most = known[:MaxParties], known[MaxParties-1]
	}
	slices.SortFunc(accounts, compare)
	if accounts = slices.Compact(accounts); len(accounts) >= MaxParties {
		accounts, t.mostAccount = accounts[:MaxParties], accounts[MaxParties-1].Account
	}
	t.list = slices.Concat(known, accounts)
	to := make([]Number, len(before)+1)
	for i, p := range before {
		if used(Number(i + 1)) {
			to[i+1] = t.Number(p)
		}
	}
	t.trimmed = len(t.list)
	return to
}

// Write writes the table.
func (t *Table) Write(w *wire.Writer) {
	w.Len(len(t.list))
	for _, p := range t.list {
		p.Write(w)
	}
}

// Read reads what Write wrote.
func (t *Table) Read(r *wire.Reader) {
	n := r.Len()
	if n > 4*MaxParties {
		r.Fail()
		return
	}
	for i := range n {
		if t.Number(Read(r)); t.Len() == i { // of nobody, or there already
			r.Fail()
			return
		}
	}
}

// Write writes the party.
func (p Party) Write(w *wire.Writer) {
	w.Text(string(p.Account))
	w.Fixed(binary.BigEndian.Uint64(p.Principal[:8]))
	w.Fixed(binary.BigEndian.Uint64(p.Principal[8:]))
}

// Read reads what Party.Write wrote.
func Read(r *wire.Reader) Party {
	p := Party{Account: rootkeep.AccountID(r.Text())}
	binary.BigEndian.PutUint64(p.Principal[:8], r.Fixed())
	binary.BigEndian.PutUint64(p.Principal[8:], r.Fixed())
	return p
}

// Last makes parties, and remembers the last: bursts repeat theirs.
type Last struct {
	account, principal []byte
	party              Party
}

// Of is the party of an account and a principal.
func (l *Last) Of(account, principal []byte) Party {
	if l.party == (Party{}) || !bytes.Equal(account, l.account) || !bytes.Equal(principal, l.principal) {
		l.account, l.principal = append(l.account[:0], account...), append(l.principal[:0], principal...)
		l.party = Of(account, principal)
	}
	return l.party
}
