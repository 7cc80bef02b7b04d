# Everything a person runs. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := bin/rootkeep
EVENTS ?= 1000000
SEED ?= 1
LISTEN ?= localhost:8080
export CGO_ENABLED ?= 0
ORACLE := $(CURDIR)/.venv/oracle

# What runs goroutines of its own; make test-long has the race detector on everything.
CONCURRENT := ./internal/store/... ./internal/job/... ./internal/web ./internal/web/exceptions ./internal/web/hunts ./internal/web/posture ./internal/app ./internal/app/alter ./internal/app/demo ./internal/app/proof ./internal/app/scan/... ./internal/app/serve/... \
	./internal/awsread/... ./internal/awssim ./internal/awsout/... ./internal/sweep ./internal/app/detector ./internal/app/alerting ./internal/stream/... ./internal/app/outbox ./internal/app/share ./internal/app/spread ./internal/app/watch ./internal/detect/... ./internal/posture ./sigma/correlate/... ./cmd/rootkeep/cli ./cmd/rootkeep/people ./cmd/rootkeep/job

# They drive browsers and whole organizations, and run without the race detector alone.
BROWSERS := TestPagesOfTheDemonstration|InABrowser|TestAllMembersLose

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## build the program into bin/
	go build -tags grpcnotrace -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/rootkeep

size: build ## fail if the stripped program grew beyond what it may be
	@bash tools/size.sh $(BIN)

run: build ## start the server on a store in data/; stop it with Ctrl-C
	mkdir -p data
	$(BIN) serve --store data/rootkeep.db --listen $(LISTEN)

demo: build ## start the server over a simulated organization with four weeks behind it
	$(BIN) demo --folder data/demo --listen $(LISTEN)

story: build ## make a small trail with a planted root story and hunt through it
	rm -rf demo-trail
	go run ./tools/trailgen -events 20000 -seed $(SEED) -story -out demo-trail
	$(BIN) hunt demo-trail

setup: ## install what the tests use beside Go (Debian, as root; elsewhere it says what)
	@bash tools/setup.sh

test: setup ## all tests but the long ones
	go mod tidy -diff
	go vet ./...
	ROOTKEEP_IAM_SIMULATE=$(ORACLE) go test -timeout 30m ./...
	CGO_ENABLED=1 go test -race -timeout 30m -skip '$(BROWSERS)' $(CONCURRENT)

test-long: build setup ## fuzz every decoder for a while, race detector and new random cases on everything, scans of 200 and 1,000 accounts
	go run ./tools/scanbench -bin $(BIN) -accounts 200,1000
	ROOTKEEP_LONG=1 go test -run 'TestAnInterruptedScan' ./internal/app/scan
	ROOTKEEP_LONG=1 go test -run 'TestADeniedPermission' -timeout 60m ./internal/awsread
	ROOTKEEP_LONG=1 go test -run 'TestAKilledServer|TestADatabaseThatIsSilent|TestALockThatStays' -timeout 60m ./internal/store
	ROOTKEEP_LONG=1 go test -run 'TestEveryCallMeetsTrouble' -timeout 60m ./internal/app/kinds
	ROOTKEEP_LONG=1 go test -timeout 120m ./internal/app/serve/fault
	ROOTKEEP_LONG=1 go test -run 'TestAServerFinds' -timeout 60m ./tools/trailgen
	CGO_ENABLED=1 ROOTKEEP_SEED=0 go test -race -timeout 60m ./...
	bash tools/fuzz.sh 60s

bench: build setup ## speed and memory over EVENTS generated events, and of permissions, as ratios of one run
	go run ./tools/bench -events $(EVENTS) -seed $(SEED) -bin $(BIN)
	go run ./tools/iambench -oracle $(ORACLE)
	go run ./tools/evalbench -bin $(BIN)
	go run ./tools/storebench

lint: ## formatting, vet, and every shipped detection
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run ./cmd/rootkeep rules lint
	go run github.com/a-h/templ/cmd/templ@$$(go list -m -f '{{.Version}}' github.com/a-h/templ) generate -path internal/web >/dev/null
	git diff --exit-code --stat -- 'internal/web/*_templ.go' # a page that was changed is generated again

clean: ## remove what was built or generated
	rm -rf bin demo-trail bench-data build

.PHONY: help build size run demo story setup test test-long bench lint clean
