package cloud

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Invocation is a call that does not come over HTTP: a scenario or a test makes it.
type Invocation struct {
	Caller             Caller
	Region             string
	Service, Operation string
	Parameters         any    // as json.Unmarshal makes them, by their names on the wire
	SourceIP           string // 192.0.2.1 if empty
	UserAgent          string
}

// Invoke runs a call as ServeHTTP would after checking its signature: it is authorized,
// and recorded. The answer is in the form of JSON. The error is an *Error if the
// operation refused. It must not be called from within Do.
func (c *Cloud) Invoke(i Invocation) (map[string]any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.bell.Ring()
	call := &Call{
		Cloud: c, Now: c.Now(), RequestID: c.UUID(), Service: c.services[i.Service], Region: i.Region, Caller: i.Caller, Account: i.Caller.Owner,
		sourceIP: i.SourceIP, userAgent: i.UserAgent,
	}
	if call.Service == nil {
		return nil, fmt.Errorf("the simulator has no service %s", i.Service)
	}
	if call.Operation = call.Service.byName[i.Operation]; call.Operation == nil {
		return nil, fmt.Errorf("the simulator has no operation %s of %s", i.Operation, i.Service)
	}
	if call.sourceIP == "" {
		call.sourceIP = "192.0.2.1"
	}
	if call.protocol = call.Service.Protocol; call.Service.Global {
		call.Region = "us-east-1"
	}
	return call.invoke(i.Parameters)
}

func (c *Call) invoke(parameters any) (map[string]any, error) {
	in, answer := c.Service.style(c.protocol, false), c.Service.style(c.protocol, true)
	c.Cloud.tick(c.Now)
	out, err := c.Operation.handle(c, func(dst any) error {
		text, err := json.Marshal(parameters)
		if err != nil {
			return err
		}
		tree, err := wire.ParseJSON(text)
		if err != nil {
			return err
		}
		return wire.Unmarshal(wire.Request{Tree: tree, Whole: true}, dst, in)
	})
	if err != nil {
		var failure *Error
		if !errors.As(err, &failure) {
			failure = c.Invalid("%v", err)
		}
		c.record(nil, failure)
		return nil, failure
	}
	c.record(out, nil)
	answer.Time = wire.ISO
	tree := map[string]any{}
	err = json.Unmarshal(wire.Everything(out, answer).JSON(), &tree)
	return tree, err
}
