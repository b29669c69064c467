enum Mood {
  Calm,
}

export default Mood.Calm
