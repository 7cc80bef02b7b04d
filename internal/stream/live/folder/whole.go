package folder

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"slices"
	"time"
)

// An object that shows by itself that it is whole need not be left alone for as long as
// others.
const (
	leastQuiet   = 100 * time.Millisecond // longer than two changes that bear the same time may be apart
	mostEarly    = 64                     // such objects that one look checks
	mostStored   = 1 << 20                // bytes of one
	mostInflated = 16 << 20
)

// early finds, among the objects that were changed a moment ago, those that are whole. It
// ends at the first that is not: objects come in the order of their changes.
func (w *walk) early() {
	slices.SortFunc(w.young, byArrival)
	for _, o := range w.young[:min(len(w.young), mostEarly)] {
		if len(w.found) >= atOnce || !w.whole(o) {
			return
		}
		w.found = append(w.found, o)
	}
}

// whole says whether an object is a gzip stream with its end (RFC 1952, section 2.3.1) or one
// JSON value, and not so large that checking it costs more than waiting.
func (w *walk) whole(o object) bool {
	f, err := w.open(o)
	if err != nil {
		return false
	}
	defer f.Close() // read only
	data, err := io.ReadAll(io.LimitReader(f, mostStored+1))
	if err != nil || len(data) > mostStored {
		return false
	}
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return json.Valid(data)
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return false
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r, mostInflated+1))
	return err == nil && n <= mostInflated
}
