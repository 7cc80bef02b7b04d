package wire

import (
	"encoding/hex"
	"time"

	"github.com/rootkeep/rootkeep"
)

// eventKey tells events apart.
type eventKey struct {
	time              int64
	id, account, file string
	offset            int64
}

func keyOf(e *rootkeep.Event) eventKey {
	return eventKey{e.Time.Unix(), e.ID, string(e.Account), e.File, e.Offset}
}

// Event writes an event of evidence.
func (w *Writer) Event(e *rootkeep.Event) {
	k := keyOf(e)
	if n, ok := w.events[k]; ok {
		w.Uint(n)
		return
	}
	w.events[k] = uint64(len(w.events)) + 1
	w.Uint(0)
	w.Int(e.Time.Unix())
	w.id(e.ID)
	a := &e.Actor
	for _, text := range [...]string{
		e.Name, e.Source, string(e.Account), string(e.Region), e.Address, e.Agent, e.ErrorCode, e.Target, e.File,
		a.Type, string(a.Account), a.ARN, a.Principal, a.AccessKeyID, a.Session,
	} {
		w.Text(text)
	}
	w.Int(e.Offset)
}

// id writes an event ID: most are UUIDs, which take less as bytes.
func (w *Writer) id(s string) {
	b, ok := parseUUID(s)
	w.Bool(ok)
	if !ok {
		w.Text(s)
		return
	}
	w.data = append(w.data, b[:]...)
}

// parseUUID reads the form that FormatUUID gives, in lower case alone.
func parseUUID(s string) (b [16]byte, ok bool) {
	if len(s) != 36 {
		return b, false
	}
	n, err := hex.Decode(b[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:]))
	return b, err == nil && n == len(b) && FormatUUID(b[:]) == s
}

// FormatUUID gives the form in which CloudTrail writes the 16 bytes of a UUID.
func FormatUUID(b []byte) string {
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// Event reads what Writer.Event wrote. The same event is the same pointer.
func (r *Reader) Event() *rootkeep.Event {
	if n := r.Uint(); n > 0 {
		if n > uint64(len(r.events)) {
			r.fail()
			return &rootkeep.Event{}
		}
		return r.events[n-1]
	}
	e := &rootkeep.Event{Time: time.Unix(r.Int(), 0).UTC(), ID: r.id()}
	a := &e.Actor
	for _, text := range [...]*string{
		&e.Name, &e.Source, (*string)(&e.Account), (*string)(&e.Region), &e.Address, &e.Agent, &e.ErrorCode, &e.Target, &e.File,
		&a.Type, (*string)(&a.Account), &a.ARN, &a.Principal, &a.AccessKeyID, &a.Session,
	} {
		*text = r.Text()
	}
	e.Offset = r.Int()
	r.events = append(r.events, e)
	return e
}

func (r *Reader) id() string {
	if !r.Bool() {
		return r.Text()
	}
	if b := r.take(16); b != nil {
		return FormatUUID(b)
	}
	return ""
}
