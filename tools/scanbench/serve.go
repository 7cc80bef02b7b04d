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

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
)

// served is what a simulator says when it is ready.
type served struct {
	Endpoint, Key, Secret string
	Accounts              []string
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
	c, ready, err := organization(o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ready.Endpoint = "http://" + l.Addr().String()
	if err := json.NewEncoder(stdout).Encode(ready); err != nil {
		return err
	}
	return http.Serve(l, &counter{cloud: c})
}

// organization has its credential reports, so that nobody waits for one, and no digest
// files, which take the simulator seconds of RSA.
func organization(o options) (*cloud.Cloud, *served, error) {
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		return nil, nil, err
	}
	plan, err := scenario.Generate(o.serve, 1)
	if err != nil {
		return nil, nil, err
	}
	for _, call := range plan.Calls {
		if call.Operation == "CreateTrail" {
			call.With["EnableLogFileValidation"] = false
		}
	}
	keys, err := plan.Apply(c)
	if err != nil {
		return nil, nil, err
	}
	out := &served{Key: keys["management"].ID, Secret: keys["management"].Secret}
	for _, a := range plan.Accounts {
		out.Accounts = append(out.Accounts, string(a.ID))
		account := c.Account(a.ID)
		for range 3 {
			if _, err := c.Invoke(cloud.Invocation{Caller: cloud.UserCaller(account, account.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: "GenerateCredentialReport"}); err != nil {
				return nil, nil, err
			}
		}
	}
	c.ResetRequests()
	c.AddFault(cloud.Fault{Kind: cloud.Slow, Delay: o.delay})
	return c, out, nil
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
