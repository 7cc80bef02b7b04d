package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"
	"runtime"
)

func cpuNow() time.Duration {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

func TestCPU(t *testing.T) {
	runtime.LockOSThread()
	data := []byte(trail(20000, 7))
	var zb bytes.Buffer
	w := gzip.NewWriter(&zb)
	w.Write(data)
	w.Close()
	rounds := 10
	fields := append([]string(nil), huntFields...)
	if n, err := strconv.Atoi(os.Getenv("EXTRA")); err == nil { for i := range n { fields = append(fields, "requestParameters.x"+strconv.Itoa(i)) } }
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = n
	}
	for _, c := range []struct {
		name string
		d    []byte
	}{{"plain", data}, {"gz", zb.Bytes()}} {
		r := newReader(t, Options{}, fields...)
		best := time.Hour
		for range rounds {
			in := Input{Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.d)), nil }}
			n := 0
			s := cpuNow()
			r.Read(t.Context(), in, func(*Record) error { n++; return nil })
			best = min(best, cpuNow()-s)
		}
		t.Logf("%s best %v  %.0f MB/s  %.0f ns/record", c.name, best, float64(len(data))/best.Seconds()/1e6, float64(best.Nanoseconds())/20000)
	}
}
