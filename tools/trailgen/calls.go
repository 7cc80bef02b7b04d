package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed calls.yaml
var callsFile []byte

// rareWeight is the weight of each security-relevant write: 0.008 percent.
const rareWeight = 8

// call is one line of calls.yaml or story.yaml.
type call struct {
	Source    string   `yaml:"source"`
	Name      string   `yaml:"name"`
	Weight    int      `yaml:"weight"`
	By        []string `yaml:"by"`
	Service   string   `yaml:"service"`
	Read      bool     `yaml:"read"`
	Once      bool     `yaml:"once"`
	Type      string   `yaml:"type"`
	Fails     string   `yaml:"fails"`
	Error     string   `yaml:"error"`
	Message   string   `yaml:"message"`
	Request   string   `yaml:"request"`
	Response  string   `yaml:"response"`
	Extra     string   `yaml:"extra"`
	Resources string   `yaml:"resources"`

	number                             uint64
	service                            string
	by                                 []func(callerDraw) caller
	failCode, failMessage              string
	failRate                           int // per mille
	request, response, extra, resource template
}

// book is what may happen in the fleet.
type book struct {
	regional, central choice // central: in us-east-1, where global services record as well
	heartbeat         *call  // a service that assumes its role
	words             map[string]word
}

// choice draws calls by weight.
type choice struct {
	calls []*call
	upTo  []int // sum of the weights up to and with each call
}

func (c *choice) add(k *call) {
	sum := k.Weight
	if n := len(c.upTo); n > 0 {
		sum += c.upTo[n-1]
	}
	c.calls, c.upTo = append(c.calls, k), append(c.upTo, sum)
}

func (c *choice) draw(d dice) *call {
	n := d.IntN(c.upTo[len(c.upTo)-1])
	lo, hi := 0, len(c.upTo)-1
	for lo < hi {
		if mid := (lo + hi) / 2; n < c.upTo[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return c.calls[lo]
}

// loadBook reads calls.yaml; withRare asks for its security-relevant writes too.
func loadBook(withRare bool) (*book, error) {
	var file struct {
		Common []*call `yaml:"common"`
		Rare   []*call `yaml:"rare"`
	}
	if err := yaml.UnmarshalWithOptions(callsFile, &file, yaml.DisallowUnknownField()); err != nil {
		return nil, fmt.Errorf("calls.yaml: %w", err)
	}
	b := &book{words: words()}
	list := file.Common
	if withRare {
		for _, c := range file.Rare {
			c.Weight = rareWeight
		}
		list = append(list, file.Rare...)
	}
	for i, c := range list {
		c.number = uint64(i)
		if err := c.compile(b.words); err != nil {
			return nil, fmt.Errorf("calls.yaml: %s %s: %w", c.Source, c.Name, err)
		}
		if !c.Once {
			b.regional.add(c)
		}
		b.central.add(c)
		if b.heartbeat == nil && c.Name == "AssumeRole" {
			b.heartbeat = c
		}
	}
	return b, nil
}

// compile checks a call and parses its templates.
func (c *call) compile(words map[string]word) error {
	if c.Source == "" || c.Name == "" || c.Weight < 1 {
		return fmt.Errorf("source, name and a weight are required")
	}
	known := kinds()
	for _, kind := range c.By {
		draw, ok := known[kind]
		if !ok {
			return fmt.Errorf("unknown kind of caller %q", kind)
		}
		c.by = append(c.by, func(d callerDraw) caller {
			out := draw(d)
			out.kind = kind
			return out
		})
	}
	c.service = c.Service
	if c.Fails != "" {
		parts := strings.Split(c.Fails, "|")
		if len(parts) != 3 {
			return fmt.Errorf("fails: %q, want code|message|per mille", c.Fails)
		}
		rate, err := strconv.Atoi(parts[2])
		if err != nil {
			return fmt.Errorf("fails: %w", err)
		}
		c.failCode, c.failMessage, c.failRate = parts[0], parts[1], rate
	}
	for _, t := range []struct {
		text string
		to   *template
	}{{c.Request, &c.request}, {c.Response, &c.response}, {c.Extra, &c.extra}, {c.Resources, &c.resource}} {
		var err error
		if *t.to, err = parseTemplate(t.text, words); err != nil {
			return err
		}
	}
	return nil
}
