package pipeline

// Reporter is told what is going on, for a person to see. It may be called from several goroutines.
type Reporter interface {
	// Stage begins something that may take a while.
	Stage(name string) Stage
	// Warn says what a person should know though the work goes on.
	Warn(text string)
	// Detail says what only the curious want to know.
	Detail(text string)
}

// Stage is something that takes a while.
type Stage interface {
	// Total says how many bytes there are to be done, Add how many more have been.
	Total(bytes int64)
	Add(bytes int64)
	// Done ends the stage with what came of it; Failed ends it without.
	Done(result string)
	Failed()
}
