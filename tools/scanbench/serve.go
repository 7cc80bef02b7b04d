package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
)

// served is what a simulator says when it is ready.
type served struct {
	Endpoint, Key, Secret string
	Accounts              []rootkeep.AccountID
}

// counted is what it answered since it was last asked.
type counted struct {
	Calls   int
	Regions int           // in which it was called
	Reading time.Duration // from the first sts:AssumeRole to the last answer
}

// countPath is where it says so.
const countPath = "/-/counted"

// serve is a simulated organization until the process is killed.
func serve(o options, stdout io.Writer) error {
	c, err := simtest.New(o.serve)
	if err != nil {
		return err
	}
	c.AddFault(cloud.Fault{Kind: cloud.Slow, Delay: o.delay})
	ready := &served{Key: c.Keys["management"].ID, Secret: c.Keys["management"].Secret, Accounts: c.IDs()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ready.Endpoint = "http://" + l.Addr().String()
	if err := json.NewEncoder(stdout).Encode(ready); err != nil {
		return err
	}
	return http.Serve(l, &counter{cloud: c.Cloud})
}

// counter notes when roles are assumed and when the last answer was given.
type counter struct {
	cloud *cloud.Cloud

	mu          sync.Mutex // guards what follows
	sts         int        // calls of STS: the first asks who the caller is, the second assumes a role
	first, last time.Time
}

func (s *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == countPath {
		s.tell(w)
		return
	}
	if strings.Contains(r.Header.Get("Authorization"), "/sts/aws4_request") {
		s.mu.Lock()
		if s.sts++; s.sts == 2 {
			s.first = time.Now()
		}
		s.mu.Unlock()
	}
	s.cloud.ServeHTTP(w, r)
	s.mu.Lock()
	s.last = time.Now()
	s.mu.Unlock()
}

// tell answers with the count and starts it again.
func (s *counter) tell(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, regions := counted{Reading: s.last.Sub(s.first)}, map[string]bool{}
	for _, r := range s.cloud.Requests() {
		out.Calls += r.Calls
		regions[r.Region] = true
	}
	out.Regions = len(regions)
	s.cloud.ResetRequests()
	s.sts, s.first, s.last = 0, time.Time{}, time.Time{}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		http.Error(w, fmt.Sprint(err), http.StatusInternalServerError)
	}
}
