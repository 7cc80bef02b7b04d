package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// beServer is the server by a clock that runs ahead. Each line of in is the time by which it
// goes on at once; the answer is a line with what Go has in memory then.
func beServer(ctx context.Context, config string, in io.Reader, stdout, stderr io.Writer) error {
	c, err := serve.ReadSettings(config)
	if err != nil {
		return err
	}
	c.Override(serve.Settings{Roles: strings.Split(allRoles, ",")})
	var ahead atomic.Int64
	answers := func() {
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if d, err := time.ParseDuration(lines.Text()); err == nil {
				ahead.Add(int64(d))
			}
			if err := json.NewEncoder(stdout).Encode(heapNow()); err != nil {
				return // nobody listens any more
			}
		}
	}
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	return serve.RunBy(ctx, c, now, stderr, func(address, _ string) {
		fmt.Fprintln(stdout, address)
		go answers()
	})
}

// heap is what Go has in memory, bytes.
type heap struct {
	Live int64 // in use after a collection
	Held int64 // taken from the system and not given back
}

// heapNow collects twice: what pools hold is let go by the second collection.
func heapNow() heap {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return heap{Live: int64(m.HeapAlloc), Held: int64(m.Sys - m.HeapReleased)}
}

// clock is that of a server that was started with it.
type clock struct {
	ahead time.Duration
	to    io.Writer
	from  *bufio.Reader
}

// startBy starts the server by a clock of its own, in a process of this program.
func (s *server) startBy() (*clock, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, "-be-server", s.config())
	to, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := s.launch(c)
	return &clock{to: to, from: from}, err
}

func (c *clock) now() time.Time { return time.Now().Add(c.ahead) }

// pass has time go on, and says what the server has in memory then.
func (c *clock) pass(d time.Duration) (h heap, err error) {
	if _, err := fmt.Fprintln(c.to, d); err != nil {
		return h, fmt.Errorf("have the server's clock go on: %w", err)
	}
	c.ahead += d
	line, err := c.from.ReadBytes('\n')
	return h, errors.Join(err, json.Unmarshal(line, &h))
}
