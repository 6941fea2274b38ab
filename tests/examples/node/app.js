import express from "express";

export const app = express();

app.get("/", (_, response) => response.send("Hello from Node\n"));
