package cloudtrail

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// A hostile record with a million values under userIdentity must not stay with
// the reader when it is gone.
func TestLargeObjectsAreNotRemembered(t *testing.T) {
	fields, err := CompileFields([]string{"userIdentity.a"})
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for i := range 8 {
		records = append(records, fmt.Sprintf(`{"eventName":"x","userIdentity":{"n":%d,"a":[%s1]}}`, i, strings.Repeat("1,", 1_000_000)))
	}
	log := `{"Records":[` + strings.Join(records, ",") + `,{"eventName":"y","userIdentity":{"a":"b"}}]}`
	r := NewReader(fields, Options{})
	in := Input{Name: "hostile", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(log)), nil }}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stats := r.Read(t.Context(), in, func(*Record) error { return nil })
	if stats.Records != 9 || len(stats.Problems) > 0 {
		t.Fatalf("got %d records and %v, want 9", stats.Records, stats.Problems)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 16<<20 {
		t.Errorf("the reader keeps %d MB, want at most 16", kept>>20)
	}
	runtime.KeepAlive(r)
}
