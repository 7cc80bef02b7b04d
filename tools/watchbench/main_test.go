package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// TestMain makes the test program what watchbench starts: the server, and the simulator.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "serve":
		os.Exit(serveAs(os.Args[2:]))
	case len(os.Args) > 1 && slices.Contains([]string{"-be-aws", "-be-server"}, os.Args[1]):
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func serveAs(args []string) int {
	f := flag.NewFlagSet("serve", flag.ExitOnError)
	config, roles := f.String("config", "", ""), f.String("role", "", "")
	if err := f.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := serve.ReadSettings(*config)
	if err == nil {
		c.Override(serve.Settings{Roles: strings.Split(*roles, ",")})
		err = serve.Run(ctx, c, os.Stderr, func(address, _ string) { fmt.Println(address) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestEachMeasureIsTaken takes small ones: every planted sign-in has to be told.
func TestEachMeasureIsTaken(t *testing.T) {
	t.Chdir("../..") // where tools are run
	o := options{bin: os.Args[0], dir: t.TempDir(), events: 1000, shared: 1000, principals: 1500, probes: 2, steady: 2 * time.Second, burst: 2 * time.Second, rate: 50, hourly: 100, pace: time.Millisecond, which: "latency,rate,burst,principals,day"}
	var out strings.Builder
	if err := bench(t.Context(), o, false, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| queue of S3's notifications | 2 |", "| folder | 2 |", "| SQLite | 1 | 1000 |", "| 50/s | 2s |", "| then 500/s | 2s |", "| quarter 4 at 50/s |", "| 1500 |", "\n| 24 | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant a row with %q", out.String(), want)
		}
	}
}
