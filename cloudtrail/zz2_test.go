package cloudtrail

import ("testing";"bytes";"io";"runtime")

func TestTiny(t *testing.T) {
	runtime.LockOSThread()
	data := gzipped(t, trail(3, 7))
	r := newReader(t, Options{}, huntFields...)
	rd := bytes.NewReader(nil)
	in := Input{Open: func() (io.ReadCloser, error) { rd.Reset([]byte(data)); return io.NopCloser(rd), nil }}
	each := func(*Record) error {return nil}
	s := cpuNow()
	for range 30000 { r.Read(t.Context(), in, each) }
	d := cpuNow()-s
	t.Logf("%v per object, %d stored %d allocs %v", d/30000, len(data), 0, testing.AllocsPerRun(100, func(){r.Read(t.Context(), in, each)}))
}
