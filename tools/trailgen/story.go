package main

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed story.yaml
var storyFile []byte

// step is one line of story.yaml: a call at a time after the story begins.
type step struct {
	After string `yaml:"after"`
	Times int    `yaml:"times"`
	Every string `yaml:"every"`
	Who   string `yaml:"who"`
	call  `yaml:",inline"`

	at       time.Time
	identity template
	as       *part
}

// part is one of the people of the story.
type part struct {
	Identity string `yaml:"identity"`
	Arn      string `yaml:"arn"`
	Address  string `yaml:"address"`
	Agent    string `yaml:"agent"`
	Console  bool   `yaml:"console"`
}

// tell makes the log files that hold the story, in the first account.
func tell(b *book, o options) ([]*object, error) {
	var file struct {
		Who   map[string]*part `yaml:"who"`
		Steps []*step          `yaml:"steps"`
	}
	if err := yaml.UnmarshalWithOptions(storyFile, &file, yaml.DisallowUnknownField()); err != nil {
		return nil, fmt.Errorf("story.yaml: %w", err)
	}
	begin := birth().Add(o.span() / 3)
	where := allPlaces()[0]
	var files []*object
	for i, s := range file.Steps {
		if err := s.prepare(b, file.Who, begin); err != nil {
			return nil, fmt.Errorf("story.yaml: step %d, %s: %w", i+1, s.Name, err)
		}
		for _, at := range s.moments() {
			files = file5(files, where, s, at)
		}
	}
	return files, nil
}
