package main

import (
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed story.yaml
var storyFile []byte

// step is one line of story.yaml: a call, once or several times.
type step struct {
	After time.Duration `yaml:"after"` // since the story began
	Times int           `yaml:"times"` // 0 is once
	Every time.Duration `yaml:"every"`
	Who   string        `yaml:"who"`
	Call  *call         `yaml:"call"`

	identity template
	part     *part
}

// part is somebody in the story.
type part struct {
	Identity string `yaml:"identity"` // userIdentity, with <words>
	Name     string `yaml:"name"`     // of the role or user
	Address  string `yaml:"address"`
	Agent    string `yaml:"agent"`
	Console  bool   `yaml:"console"`
}

// deed is a step at its time.
type deed struct {
	*step
	at time.Time
}

// tell makes the log files of the story; it happens in the first account, where
// global services record.
func tell(b *book, o options, first int) ([]*object, error) {
	var file struct {
		Who   map[string]*part `yaml:"who"`
		Steps []*step          `yaml:"steps"`
	}
	if err := yaml.UnmarshalWithOptions(storyFile, &file, yaml.DisallowUnknownField()); err != nil {
		return nil, fmt.Errorf("story.yaml: %w", err)
	}
	begin := birth().Add(o.span() / 3)
	deeds := map[time.Time][]deed{} // by delivery
	for _, s := range file.Steps {
		if err := s.compile(b.words, file.Who); err != nil {
			return nil, fmt.Errorf("story.yaml: %s after %s: %w", s.Call.Name, s.After, err)
		}
		for i := range max(s.Times, 1) {
			at := begin.Add(s.After + time.Duration(i)*s.Every)
			delivery := at.Truncate(deliveryDelay).Add(deliveryDelay)
			deeds[delivery] = append(deeds[delivery], deed{s, at})
		}
	}
	where := allPlaces()[0]
	var objects []*object
	for delivery, told := range deeds {
		slices.SortStableFunc(told, func(a, b deed) int { return a.at.Compare(b.at) })
		objects = append(objects, &object{place: where, start: delivery.Add(-deliveryDelay), end: delivery, story: told})
	}
	slices.SortFunc(objects, func(a, b *object) int { return a.end.Compare(b.end) })
	for i, obj := range objects {
		obj.number = first + i
	}
	return objects, nil
}

func (s *step) compile(words map[string]word, who map[string]*part) error {
	s.part = who[s.Who]
	if s.part == nil {
		return fmt.Errorf("nobody is called %q", s.Who)
	}
	s.Call.Weight = 1
	if err := s.Call.compile(words); err != nil {
		return err
	}
	var err error
	s.identity, err = parseTemplate(s.part.Identity, words)
	return err
}

// appendTo writes the record of the deed.
func (d deed) appendTo(dst []byte, obj *object, dice dice) []byte {
	who := caller{role: d.part.Name, address: d.part.Address, agent: d.part.Agent, console: d.part.Console}
	s := &scene{dice: dice, place: obj.place, caller: &who, at: d.at, things: map[string]string{}}
	who.identity = string(d.identity.fill(s, nil))
	return appendRecord(dst, s, d.Call, outcome{d.Call.Error, d.Call.Message})
}
